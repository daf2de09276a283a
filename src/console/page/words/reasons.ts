/** Words for the literals of the engine. Maps, because a literal may come from a newer server, or from `constructor`. */

/** Ways to prove who one is, RFC 8176. */
export const methods: ReadonlyMap<string, string> = new Map([
  ['pwd', 'password'],
  ['otp', 'code from an app'],
  ['hwk', 'passkey'],
  ['swk', 'passkey'],
  ['user', 'presence'],
  ['mfa', 'several factors'],
  ['pin', 'PIN'],
  ['kba', 'recovery code'],
  ['sms', 'code by SMS'],
  ['tel', 'phone call'],
  ['fpt', 'fingerprint'],
  ['face', 'face'],
])

/** What a second factor is. */
export const factors: ReadonlyMap<string, string> = new Map([
  ['totp', 'an authenticator app'],
  ['passkey', 'a passkey'],
  ['recovery', 'a recovery code'],
])

/** Why a second factor was not accepted. */
export const factorFaults: ReadonlyMap<string, string> = new Map([
  ['wrong', 'it was wrong'],
  ['used', 'it was used already'],
  ['unknown', 'the user has none of this kind'],
  ['malformed', 'it was not even the right shape'],
  ['challenge', 'it belonged to another challenge'],
  ['origin', 'it was made for another site'],
  ['unverified', 'the device did not check who held it'],
  ['unconfirmed', 'setting it up was not finished here'],
])

/** Why a session is over. */
export const endReasons: ReadonlyMap<string, string> = new Map([
  ['signed-out', 'its user signed out'],
  ['idle', 'nobody used it for too long'],
  ['expired', 'its time was up'],
  ['revoked', 'an operator or the application ended it'],
  ['replayed', 'an old token of it was used, so two parties held it'],
  ['evicted', 'its user signed in elsewhere and had too many'],
  ['superseded', 'a sign-in replaced it'],
])

/** Who ended all sessions of somebody. */
export const endersOfAll: ReadonlyMap<string, string> = new Map([
  ['signed-out', 'by their user'],
  ['revoked', 'by an operator or the application'],
])

/** Why a request was refused. */
export const refusals: ReadonlyMap<string, string> = new Map([
  ['csrf-cross-site', 'another site sent it'],
  ['csrf-no-origin', 'nothing showed which site sent it'],
  ['csrf-token-missing', 'its form token was missing'],
  ['csrf-token-invalid', 'its form token was not good'],
  ['not-signed-in', 'nobody is signed in'],
  ['not-fresh', 'the last proof is too old'],
  ['level-too-low', 'it needs a second factor'],
  ['session-locked', 'the session is locked'],
  ['confirmation-refused', 'it was not confirmed'],
  ['session-ended', 'its session ended meanwhile'],
  ['cookie-ambiguous', 'it carried two session cookies'],
  ['too-many-sessions', 'the user has too many sessions'],
  ['access-token-missing', 'it carried no access token'],
  ['access-token-invalid', 'its access token was not good'],
  ['authentication-insufficient', 'its user proved too little, or too long ago'],
  ['authorization-malformed', 'its Authorization header was not readable'],
  ['carriers-disagree', 'its cookie and its token stand for different users'],
  ['proof-invalid', 'it did not prove that it holds the key'],
  ['sign-in-overtaken', 'all sessions of the user were ended meanwhile'],
])

/** What is wrong with an access token. */
export const accessTokenFaults: ReadonlyMap<string, string> = new Map([
  ['malformed', 'it is not in the one accepted form'],
  ['untrusted', 'no key of ours signed it'],
  ['misplaced', 'it is meant for another purpose'],
  ['expired', 'its time is over'],
  ['incomplete', 'a claim is missing or wrong'],
  ['ended', 'its session is over'],
  ['overheard', 'it came without encryption'],
  ['proof', 'its key was not proved'],
])

/** What is wrong with a proof of possession. */
export const proofFaults: ReadonlyMap<string, string> = new Map([
  ['missing', 'there is none'],
  ['malformed', 'it is not in the one accepted form'],
  ['untrusted', 'its key or signature is not accepted'],
  ['other-request', 'it was made for another request'],
  ['untimely', 'it is too old or from the future'],
  ['other-token', 'it was made for another token'],
  ['other-key', 'it was signed with another key'],
  ['replayed', 'it was used already'],
])

/** Why a confirmation was refused. */
export const confirmationFaults: ReadonlyMap<string, string> = new Map([
  ['unknown', 'it is unknown, or done already'],
  ['expired', 'it took too long'],
  ['changed', 'it was not what had been shown'],
  ['too-weak', 'the proof was too weak'],
  ['failed', 'the proof was wrong too often'],
])

/** What a detector or a policy does by itself. */
export const outcomes: ReadonlyMap<string, string> = new Map([
  ['done', 'done'],
  ['dry-run', 'not done, because this is a dry run'],
  ['nothing-to-do', 'there was nothing left to do'],
  ['failed', 'that failed'],
])

/** What changed between two uses of a session. */
export const places: ReadonlyMap<string, string> = new Map([
  ['network', 'network'],
  ['agent', 'program'],
])

/** Levels of assurance, by number. */
export const levels: ReadonlyMap<string, string> = new Map([
  ['0', 'Guest'],
  ['1', 'One factor'],
  ['2', 'Two factors'],
  ['3', 'Hardware key'],
])
