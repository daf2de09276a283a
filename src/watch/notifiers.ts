/**
 * Where alerts go: `latchkey/watch/notifiers`. Alerts can go anywhere else, too: a notifier is a name and a function.
 */
export type { Notice, Notifier } from './notifier.ts'
export { type EmailMessage, type EmailOptions, email } from './notifiers/email.ts'
export { sampleNotice } from './notifiers/sample-notice.ts'
export { type SyslogOptions, syslog } from './notifiers/syslog.ts'
export { type VerifiedWebhook, type VerifyOptions, verifyWebhook } from './notifiers/verify-webhook.ts'
export { type WebhookOptions, type WebhookPayload, webhook } from './notifiers/webhook.ts'
