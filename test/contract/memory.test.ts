import { memoryStore } from 'latchkey/stores/memory'
import { storeContract } from 'latchkey/testing'

storeContract('memory', () => memoryStore(), { directory: true })
