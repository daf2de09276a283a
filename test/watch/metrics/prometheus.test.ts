import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from 'latchkey'
import { prometheusMetrics } from 'latchkey/watch/metrics'
import client from 'prom-client'
import { Browser } from '../../actors/browser.ts'
import { startServer } from '../../actors/server.ts'

describe('metrics for Prometheus, in particular', () => {
  it('go to the registry of the client by default, under the names of the dashboard', async () => {
    const metrics = prometheusMetrics(startServer().sessions, null, client)
    assert.match(await client.register.metrics(), /^# TYPE latchkey_sessions_created_total counter$/m)
    metrics.stop()
    assert.equal((await client.register.metrics()).trim(), '')
  })

  it('have another prefix when they are told to, so that two applications fit into one process', async () => {
    const registry = new client.Registry()
    const [shop, school] = [startServer(), startServer()]
    prometheusMetrics(shop.sessions, null, client, { registry, prefix: 'shop_' })
    prometheusMetrics(school.sessions, null, client, { registry, prefix: 'school_' })
    await new Browser(shop).put({ cart: 1 })
    const text = await registry.metrics()
    assert.match(text, /^shop_sessions_created_total 1$/m)
    assert.match(text, /^school_sessions_created_total 0$/m)
    for (const prefix of ['', '7_', 'a b', 'a-b', 'a{', 'a\n']) {
      assert.throws(() => prometheusMetrics(shop.sessions, null, client, { registry, prefix }), UsageError)
    }
  })

  it('under names that are taken they are refused, and nothing of those that were there is touched', async () => {
    const registry = new client.Registry()
    const taken = { name: 'latchkey_sessions_created_total', help: 'Mine.', registers: [registry] }
    new client.Counter(taken).inc(7)
    const server = startServer()
    assert.throws(() => prometheusMetrics(server.sessions, null, client, { registry }), /already been registered/)
    assert.deepEqual(
      registry.getMetricsAsArray().map(({ name }) => name),
      [taken.name],
    )
    await new Browser(server).put({ cart: 1 })
    assert.match(await registry.metrics(), /^latchkey_sessions_created_total 7$/m)
  })

  it('durations have buckets that tell a near store from a far one', async () => {
    const registry = new client.Registry()
    const server = startServer()
    prometheusMetrics(server.sessions, null, client, { registry })
    await new Browser(server).signIn('alice')
    const bounds = [
      ...(await registry.metrics()).matchAll(/duration_seconds_bucket\{le="([^"]+)",operation="create"\}/g),
    ]
    assert.deepEqual([bounds[0]?.[1], bounds.at(-2)?.[1], bounds.at(-1)?.[1]], ['0.00005', '2.5', '+Inf'])
  })

  it('are told in the format of OpenMetrics, too', async () => {
    const registry = new client.Registry<client.OpenMetricsContentType>()
    registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE)
    const server = startServer()
    const metrics = prometheusMetrics(server.sessions, null, client, { registry })
    await new Browser(server).put({ cart: 1 })
    const text = await registry.metrics()
    assert.match(text, /^# TYPE latchkey_sessions_created counter\nlatchkey_sessions_created_total 1$/m)
    metrics.stop()
    assert.equal(registry.getMetricsAsArray().length, 0)
  })

  it('of several processes are put together as they should be: live sessions are those of one store', async () => {
    const registry = new client.Registry()
    const server = startServer()
    prometheusMetrics(server.sessions, null, client, { registry })
    await new Browser(server).signIn('alice')
    const ofOne = await registry.getMetricsAsJSON()
    const ofAll = client.AggregatorRegistry.aggregate([ofOne, structuredClone(ofOne)])
    const text = await ofAll.metrics()
    assert.match(text, /^latchkey_sessions_active 1$/m)
    assert.match(text, /^latchkey_sign_ins_total\{level="1"\} 2$/m)
  })
})
