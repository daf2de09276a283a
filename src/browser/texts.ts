/** Every text that a person gets to see or hear. `{time}` stands for the time left. */
export interface Texts {
  /** BCP 47 tag for the time left (`45 Sekunden`); default `en`. */
  readonly language: string
  /** Title of the warning before the end for want of activity. */
  readonly idleTitle: string
  /** Its text. */
  readonly idleText: string
  /** Title of the warning before the absolute end. */
  readonly endTitle: string
  /** Its text. */
  readonly endText: string
  /** What a screen reader says now and then while the time runs. */
  readonly left: string
  /** The button that extends the session. */
  readonly stay: string
  /** The button that closes the warning before the absolute end. */
  readonly close: string
  /** The button that signs out. */
  readonly signOut: string
  /** Put in front of the text when extending did not work, for want of a connection. */
  readonly failed: string
  /** Said when what was typed is back. */
  readonly restored: string
  /** The button that closes that notice. */
  readonly dismiss: string
}

/** The default. */
export const english: Texts = {
  language: 'en',
  idleTitle: 'Are you still there?',
  idleText: 'You have been inactive. You will be signed out in {time}.',
  endTitle: 'Your session ends soon',
  endText: 'It ends in {time}. Save your work and sign in again.',
  left: '{time} left',
  stay: 'Stay signed in',
  close: 'Got it',
  signOut: 'Sign out now',
  failed: 'That failed. Please try again.',
  restored: 'What you had typed is back. It has not been sent.',
  dismiss: 'Close',
}
