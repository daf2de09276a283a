/** The contract of adapters where cookies carry the session. What cannot hold is stated, and docs/stores-sealed.md says why. */
import { memoryStore } from 'latchkey/stores/memory'
import { sealedStore } from 'latchkey/stores/sealed'
import { adapterContract } from 'latchkey/testing'
import { startNode } from '../actors/node-application.ts'

/** The data is in the cookie, and of several answers the last one wins. */
const aboutData = ['changes that come pipelined are all written, in order', 'requests at the same time lose nothing']
/** Without a list of sessions an old cookie is good until its time-outs, and nobody is asked about one. */
const aboutEnds = [
  'ASVS 7.2.4: sign-in keeps the data, changes id and token, and kills the old token',
  'ASVS 7.4.1: sign-out removes the cookie and kills the token',
  'a session that ends while a request changes it stays ended, and the request is told',
  'ASVS 16.5.2: a store that refuses makes every request of a session a 503, and nobody anonymous',
  'ASVS 16.5.3: a sign-out that a store refuses is no sign-out, and says so',
  'ASVS 16.5.2: a store that hangs makes every request of a session a 503, and nobody anonymous',
  'ASVS 16.5.3: a sign-out that a store hangs is no sign-out, and says so',
  'ASVS 16.5.2: a store that loses its answer makes every request of a session a 503, and nobody anonymous',
  'ASVS 16.5.3: a sign-out that a store loses its answer is no sign-out, and says so',
  'ASVS 16.5.2: a store that throws something that is no error makes every request of a session a 503, and nobody anonymous',
  'ASVS 16.5.3: a sign-out that a store throws something that is no error is no sign-out, and says so',
  'a client that leaves while the store is asked to read harms nobody',
  'a client that leaves while the store is asked to end harms nobody',
]

adapterContract('node, sealed', startNode, {
  store: () => sealedStore(),
  carried: { what: 'all', cannotHold: [...aboutEnds, ...aboutData] },
})
adapterContract('node, sealed with a list of sessions', startNode, {
  store: () => sealedStore({ revocations: memoryStore() }),
  carried: { what: 'data', cannotHold: aboutData },
})
