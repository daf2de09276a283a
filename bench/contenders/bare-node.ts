import { createServer } from 'node:http'
import { serve } from '../serve.ts'
import { bareListener } from './bare-listener.ts'

/** What everything on `node:http` is compared with. */
serve(createServer(bareListener))
