/** What is stored is not the record that was written. The code tells the engine that the record is at fault, not the store. */
export class CorruptRecord extends Error {
  readonly code = 'corrupt-record'
}
