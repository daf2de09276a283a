import { memoryStore } from 'latchkey/stores/memory'
import { adapterContract } from 'latchkey/testing'
import { startWeb } from '../actors/web-application.ts'

adapterContract('web', startWeb, { store: memoryStore })
