/** The console's page begins here. */
import { render } from 'preact'
import { App } from './app.tsx'
import { createClient } from './client.ts'

const place = document.getElementById('console')
if (place !== null) {
  place.replaceChildren()
  const client = createClient({
    fetch: (address, options) => fetch(address, options),
    isClicked: () => navigator.userActivation?.isActive ?? false,
  })
  render(<App client={client} />, place)
}
