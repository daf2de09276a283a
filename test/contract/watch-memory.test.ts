import { watchStoreContract } from 'latchkey/testing'
import { memoryWatch } from 'latchkey/watch/stores/memory'

watchStoreContract('memory', () => memoryWatch())
