import { useEffect, useRef, useState } from 'preact/hooks'

const tickMs = 5_000

/** Now on the server, from what it said last and how long ago that was; this computer's clock may be wrong. */
export function useClock(serverNow: number): number {
  const heard = useRef({ serverNow, at: performance.now() })
  if (heard.current.serverNow !== serverNow) heard.current = { serverNow, at: performance.now() }
  const read = () => Math.round(heard.current.serverNow + performance.now() - heard.current.at)
  const [, tick] = useState(0)
  useEffect(() => {
    const timer = setInterval(() => tick(before => before + 1), tickMs)
    return () => clearInterval(timer)
  }, [])
  return read()
}
