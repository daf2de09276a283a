/** What authors of stores and applications need to test theirs: contracts as suites of `node:test`, and a clock. */

export {
  type AdapterContractOptions,
  adapterContract,
  type ContractAnswer,
  type ContractApplication,
  type ContractData,
  type ContractNeeds,
  type ContractRequest,
  type ContractRoute,
  type ContractServer,
} from './adapter-contract.ts'
export { type TestClock, testClock } from './clock.ts'
export {
  type FactorStoreContractOptions,
  factorStoreContract,
  sampleFactor,
  sampleFailures,
} from './factor-store-contract.ts'
export { type Fault, type FaultyStore, faults, faultyStore, type StoreOperation } from './faulty-store.ts'
export { type StoreContractOptions, sampleMark, sampleRecord, storeContract } from './store-contract.ts'
export {
  sampleAlert,
  sampleEntry,
  type WatchStoreContractOptions,
  watchStoreContract,
  windowsContract,
} from './watch-store-contract.ts'
