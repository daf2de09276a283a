/**
 * The details of an entry for systems that make a column of every name they see: what is named after chains (`heads`) becomes
 * a list, or each process would add a column.
 */
export function withFlatHeads(detail: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { heads } = detail
  if (typeof heads !== 'object' || heads === null) return detail
  return { ...detail, heads: Object.entries(heads).map(([chain, head]) => ({ chain, ...head })) }
}
