import type { html } from 'hono/html'

/** A piece of a page: values were escaped where they were put in. */
export type Html = ReturnType<typeof html>
