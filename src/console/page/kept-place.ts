/** Where a visit ended, so that the next one goes on there. */

const place = 'latchkey-console-place'

/** The part of an address behind `#` does not survive a sign-in, so this tab remembers it. */
export function keepPlace(): void {
  try {
    if (location.hash.length > 2) sessionStorage.setItem(place, location.hash)
  } catch {}
}

/** Goes where the visit before ended, once. */
export function restorePlace(): void {
  try {
    const kept = sessionStorage.getItem(place)
    sessionStorage.removeItem(place)
    if (kept !== null && location.hash.length <= 2) location.replace(kept)
  } catch {}
}
