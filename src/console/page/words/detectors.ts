/** What each detector is, for the person who has to decide: what it saw, when that is harmless, what to do. */
import type { DetectorName } from '../../api.ts'

/** The words of a detector. */
export interface DetectorWords {
  /** Two or three words. */
  readonly title: string
  /** What it sees. */
  readonly sees: string
  /** When that is nothing bad. */
  readonly harmless: string
  /** What to do when it is something bad. */
  readonly advice: string
}

const detectors: Record<DetectorName, DetectorWords> = {
  'token-guessing': {
    title: 'Token guessing',
    sees: 'One address sends many tokens that this server never issued. Somebody tries to hit a session by luck.',
    harmless: 'Right after a change of the secrets, when browsers still carry tokens of the old ones.',
    advice: 'Guesses cannot hit. Block the address in front of the server if they cost too much.',
  },
  'forged-token': {
    title: 'Made-up token',
    sees: 'A token came that this server never issued, or that somebody changed.',
    harmless:
      'A broken program, a cookie of another installation under the same name, or old secrets that were thrown away.',
    advice: 'A single one is curiosity. Look whether the same address shows up elsewhere.',
  },
  'use-after-end': {
    title: 'Use after the end',
    sees: 'Somebody keeps using the token of a session that is over.',
    harmless: 'A program or a forgotten tab that asks again and again and does not read the answer.',
    advice:
      'The token opens nothing. Where address and program are not those of its user, assume that the token was copied.',
  },
  'token-replay': {
    title: 'Old token used',
    sees: 'A token came that had been replaced long before: two parties hold the same session. The engine has ended it.',
    harmless: 'A restored backup of a browser profile, or a device that slept while a request was under way.',
    advice: 'Ask the user. If it was not they, end all their sessions and have them change their password.',
  },
  'two-places': {
    title: 'Two places at once',
    sees: 'A session is used from two networks with different programs in turns, within minutes.',
    harmless: 'A phone between Wi-Fi and mobile network, or a browser with a proxy for some sites.',
    advice: 'Compare the two places in the story of the session. If the user knows only one of them, end it.',
  },
  'agent-changed': {
    title: 'Other program',
    sees: 'A session goes on with another browser or another operating system. Browsers do not do that.',
    harmless: 'Somebody who tests with developer tools, or "request desktop site" on a phone.',
    advice: 'End the session unless the user can explain it.',
  },
  'network-changed': {
    title: 'Other network',
    sees: 'A session goes on from a network that it was not used from before.',
    harmless: 'Nearly always: people move. It tells something only together with other signs.',
    advice: 'Nothing by itself. Look at the risk and at other alerts of the same session.',
  },
  'impossible-travel': {
    title: 'Impossible travel',
    sees: 'One user is in two places that are too far apart for the time between.',
    harmless:
      'A VPN that is switched on, a company that leaves the net elsewhere, or an address that a database has misplaced.',
    advice: 'Ask the user. If it was not they, end all their sessions.',
  },
  'password-stuffing': {
    title: 'Password stuffing',
    sees: 'Many sign-ins for many accounts fail from one place: somebody tries pairs from another site that was robbed.',
    harmless: 'A school or an office behind one address on the first day of a term.',
    advice: 'Look for sign-ins that worked from the same place: those accounts are in danger. Ask for second factors.',
  },
  'password-spraying': {
    title: 'Password spraying',
    sees: 'Many accounts fail a few times each, slowly: somebody tries a few common passwords on everybody.',
    harmless: 'After everybody had to change their password.',
    advice: 'Look for sign-ins that worked from the same places, and ask for second factors.',
  },
  'second-factor-bombing': {
    title: 'Second factor bombing',
    sees: 'Somebody gets the password right and the second factor wrong, again and again.',
    harmless: 'A user whose phone shows the wrong time, or who takes the wrong app.',
    advice: 'Whoever it is has the password. Ask the user, and have them change it.',
  },
  'session-flooding': {
    title: 'Session flooding',
    sees: 'One place makes sessions faster than people do.',
    harmless: 'A load test, or a crawler that keeps no cookies.',
    advice: 'Limit the rate in front of the server.',
  },
  'too-many-sessions': {
    title: 'Too many sessions',
    sees: 'One user has many more sessions than people have devices.',
    harmless: 'A shared account, or a program that signs in for every call.',
    advice: 'Look at the list of the user. A maximum number of sessions in the policy ends this.',
  },
  'dormant-session': {
    title: 'Woken session',
    sees: 'A session that nobody used for long is used again, from elsewhere.',
    harmless: 'A laptop from the drawer, on holiday.',
    advice: 'Lock or end the session: an honest user signs in again in a minute.',
  },
  'csrf-probing': {
    title: 'Cross-site probing',
    sees: 'Several requests were refused because another site sent them, or their form token was not good.',
    harmless: 'Forms that were open through a sign-in, or an application of your own on another domain.',
    advice: 'They did nothing. Find out which site the users came from.',
  },
  'binding-failure': {
    title: 'Key not proved',
    sees: 'A token came again and again without the proof of the key that it is bound to.',
    harmless: 'A program with a wrong clock, or one that lost its key.',
    advice: 'A copied token without its key opens nothing. Find out where it was copied.',
  },
  'risky-sign-in': {
    title: 'Risky sign-in',
    sees: 'A sign-in worked, and address, network and program together are unlikely for this user.',
    harmless: 'A new phone on a journey.',
    advice: 'Ask the user. A second factor takes the danger out of it.',
  },
  'trail-trouble': {
    title: 'Trouble with the trail',
    sees: 'Entries were lost, or a sink does not take them any more. What happened meanwhile may be missing.',
    harmless: 'A restart of the log server, if it was short.',
    advice:
      'Look at the health of the watch, and at the disk and the server of the sink. Trouble here can be made on purpose.',
  },
}

/** The names of all detectors. */
export const detectorNames: readonly DetectorName[] = Object.keys(detectors) as DetectorName[]

/** The words of a detector, or `null` for one that this page does not know. */
export function detectorWords(name: string): DetectorWords | null {
  return Object.hasOwn(detectors, name) ? detectors[name as DetectorName] : null
}

/** The title of a detector, or `null` for one that this page does not know. */
export function titleOf(name: string): string | null {
  return detectorWords(name)?.title ?? null
}

/** Where it is documented: file and section of the manual. */
export function manualOf(name: string): string {
  return `docs/detectors.md, section “${name}”`
}
