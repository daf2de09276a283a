import { memoryStore } from 'latchkey/stores/memory'
import { adapterContract } from 'latchkey/testing'
import { startNode } from '../actors/node-application.ts'

adapterContract('node', startNode, { store: memoryStore })
