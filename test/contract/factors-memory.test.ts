import { memoryFactors } from 'latchkey/mfa/stores/memory'
import { factorStoreContract } from 'latchkey/testing'

factorStoreContract('memory', () => memoryFactors())
