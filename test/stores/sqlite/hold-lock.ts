/** Locks the database named by the first argument, says so, and lets go when told or when its parent is gone. */
import { DatabaseSync } from 'node:sqlite'

const database = new DatabaseSync(process.argv[2] ?? '')
process.on('disconnect', () => process.exit())
process.on('message', () => {
  database.exec('COMMIT')
  database.close()
  process.disconnect()
})
database.exec('BEGIN EXCLUSIVE')
process.send?.('locked')
