import type { JSX } from 'preact'
import { useConsole } from '../console-context.ts'
import { shortcuts } from '../shortcuts.ts'
import { Dialog } from './dialog.tsx'

/** All shortcuts, and the switch that turns them off. */
export function HelpDialog({ close }: { close: () => void }): JSX.Element {
  const { preferences, choose } = useConsole()
  const isOn = preferences.keys === 'on'
  return (
    <Dialog title="Keyboard" close={close}>
      <dl class="keys">
        {shortcuts.map(({ keys, does }) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map(key => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label class="tick">
        <input type="checkbox" checked={isOn} onChange={() => choose({ keys: isOn ? 'off' : 'on' })} />
        Use these keys in this browser
      </label>
      <div class="actions">
        <button type="button" onClick={close}>
          Done
        </button>
      </div>
    </Dialog>
  )
}
