// What the clients of Node.js are run for; see client_actions.py.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

export { assert };
export const url = process.env.QUANT_CLIENT_URL;
export const model = process.env.QUANT_CLIENT_MODEL;
export const talker = process.env.QUANT_CLIENT_TALKER;
const lacks = new Map(process.env.QUANT_CLIENT_LACKS.split('\n').filter(Boolean).map((line) => line.split(/: (.*)/, 2)));

export const psalm = 'The LORD is my shepherd; I shall not want. He maketh me to lie down';
export const user = [{ role: 'user', content: psalm }];
export const schema = {
    type: 'object',
    properties: { verse: { type: 'integer', minimum: 1, maximum: 176 }, kind: { type: 'string', enum: ['psalm', 'proverb'] } },
    required: ['verse', 'kind'],
    additionalProperties: false,
};
export const find = {
    type: 'function',
    function: {
        name: 'find',
        description: 'Find a verse.',
        parameters: {
            type: 'object',
            properties: { book: { type: 'string', enum: ['Psalms', 'Proverbs'] }, verse: { type: 'integer', minimum: 1, maximum: 176 } },
            required: ['book', 'verse'],
            additionalProperties: false,
        },
    },
};

export function checkSchema(text) {
    const made = JSON.parse(text);
    assert(['psalm', 'proverb'].includes(made.kind) && made.verse >= 1 && made.verse <= 176, text);
}

export function checkCall(name, args) {
    assert.equal(name, 'find');
    assert(['Psalms', 'Proverbs'].includes(args.book) && args.verse >= 1 && args.verse <= 176, JSON.stringify(args));
}

/// So many vectors, not all alike, each of length 1.
export function checkVectors(vectors, count) {
    assert.equal(vectors.length, count);
    for (const v of vectors) assert(Math.abs(v.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-3, 'not normalized');
    if (count > 1) assert.notDeepEqual(vectors[0], vectors[1]);
}

async function metric(name) {
    const text = await (await fetch(url + '/metrics')).text();
    return Number(text.match(new RegExp(`^${name} (\\d+)$`, 'm'))[1]);
}

/// Begins a long stream and leaves it: the daemon stops making it. One that was made before the client could leave
/// proves nothing, so that a few are tried.
export async function checkCancel(beginAndLeave) {
    const before = await metric('quantd_requests_cancelled_total');
    for (let i = 0; i < 20; i++) {
        await beginAndLeave();
        const until = Date.now() + 10000;
        while (await metric('quantd_requests_running')) {
            assert(Date.now() < until, 'it still runs 10 s later');
            await sleep(10);
        }
        if ((await metric('quantd_requests_cancelled_total')) > before) return;
    }
    assert.fail('20 streams were left, none was cancelled');
}

export async function runActions(actions) {
    let failed = false;
    for (const [name, action] of Object.entries(actions)) {
        if (lacks.has(name)) {
            console.log(`skip ${name}: ${lacks.get(name)}`);
            continue;
        }
        try {
            await action();
            console.log(`pass ${name}`);
        } catch (error) {
            failed = true;
            console.log(`fail ${name}: ${error.name}: ${String(error.message).split(/\s+/).join(' ').slice(0, 500)}`);
        }
    }
    process.exit(failed ? 1 : 0);
}
