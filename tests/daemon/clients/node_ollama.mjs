// The ollama package of Node.js against quantd.
import { createRequire } from 'node:module';
import { assert, checkCancel, checkSchema, checkVectors, find, model, psalm, runActions, schema, talker, url, user } from './client_actions.mjs';

// Modules are looked for beside the script; these are elsewhere.
const { Ollama } = createRequire(process.env.QUANT_CLIENTS + '/package.json')('ollama');
const client = new Ollama({ host: url });
const options = { temperature: 0, num_predict: 30 };

await runActions({
    list: async () => {
        assert((await client.list()).models.some((m) => m.model === model));
        assert.equal((await client.show({ model })).details.family, 'llama');
        await client.generate({ model, prompt: '', keep_alive: '5m' });
        assert((await client.ps()).models.some((m) => m.model === model));
    },
    generate: async () => {
        const answer = await client.generate({ model, prompt: psalm, options });
        assert.deepEqual([answer.done, answer.done_reason, answer.eval_count], [true, 'length', 30]);
    },
    chat: async () => {
        const answer = await client.chat({ model, messages: user, options });
        assert.equal(answer.message.role, 'assistant');
        assert(answer.message.content);
    },
    stream: async () => {
        const whole = await client.chat({ model, messages: user, options });
        let text = '', pieces = 0;
        for await (const piece of await client.chat({ model, messages: user, options, stream: true })) {
            text += piece.message.content;
            pieces++;
        }
        assert.equal(text, whole.message.content);
        assert(pieces > 10);
    },
    embed: async () => {
        checkVectors((await client.embed({ model, input: [psalm, 'In the beginning'] })).embeddings, 2);
        assert((await client.embeddings({ model, prompt: psalm })).embedding.length);
    },
    // Whether calls come is the model's choice in this API; see python_ollama.py.
    tools: async () => {
        const call = { function: { name: 'find', arguments: { book: 'Psalms', verse: 23 } } };
        const messages = [...user, { role: 'assistant', content: '', tool_calls: [call] }, { role: 'tool', tool_name: 'find', content: 'He leadeth me' }];
        const first = await client.chat({ model: talker, messages: user, tools: [find], options });
        const then = await client.chat({ model: talker, messages, tools: [find], options });
        assert(then.prompt_eval_count > first.prompt_eval_count);
    },
    schema: async () => {
        const answer = await client.chat({ model, messages: user, format: schema, options: { num_predict: 200 } });
        checkSchema(answer.message.content);
    },
    error: async () => {
        const missing = { name: 'ResponseError', status_code: 404, message: /no-such/ };
        await assert.rejects(client.chat({ model: 'no-such', messages: user }), missing);
        await assert.rejects(client.chat({ model, messages: user, options: { top_p: 9 } }), { status_code: 400, message: /top_p/ });
    },
    cancel: () => checkCancel(async () => {
        const stream = await client.generate({ model, prompt: psalm, options: { temperature: 1 }, stream: true });
        for await (const _ of stream) {
            stream.abort();
            break;
        }
    }),
});
