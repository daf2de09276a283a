import { memoryStore } from 'latchkey/stores/memory'
import { adapterContract } from 'latchkey/testing'
import { startExpress } from '../actors/express-application.ts'

adapterContract('express', startExpress, { store: memoryStore })
