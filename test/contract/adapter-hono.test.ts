import { memoryStore } from 'latchkey/stores/memory'
import { adapterContract } from 'latchkey/testing'
import { startHonoOnFetch, startHonoOnNode } from '../actors/hono-application.ts'

adapterContract('hono on node', startHonoOnNode, { store: memoryStore })
adapterContract('hono on web standards', startHonoOnFetch, { store: memoryStore })
