import { memoryStore } from 'latchkey/stores/memory'
import { adapterContract } from 'latchkey/testing'
import { startFastify } from '../actors/fastify-application.ts'

adapterContract('fastify', startFastify, { store: memoryStore })
