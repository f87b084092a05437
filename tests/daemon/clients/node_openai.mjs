// The openai package of Node.js against quantd.
import { createRequire } from 'node:module';
import { assert, checkCall, checkCancel, checkSchema, checkVectors, find, model, psalm, runActions, schema, talker, url, user } from './client_actions.mjs';

// Modules are looked for beside the script; these are elsewhere.
const { OpenAI, NotFoundError, BadRequestError } = createRequire(process.env.QUANT_CLIENTS + '/package.json')('openai');
const client = new OpenAI({ baseURL: url + '/v1', apiKey: 'unused', maxRetries: 0 });
const chats = client.chat.completions;

await runActions({
    list: async () => {
        const ids = [];
        for await (const m of client.models.list()) ids.push(m.id);
        assert(ids.includes(model));
        assert.equal((await client.models.retrieve(model)).id, model);
    },
    generate: async () => {
        const answer = await client.completions.create({ model, prompt: psalm, max_tokens: 8, temperature: 0 });
        assert.equal(answer.choices[0].finish_reason, 'length');
        assert.equal(answer.usage.completion_tokens, 8);
    },
    chat: async () => {
        const answer = await chats.create({ model, messages: user, max_completion_tokens: 8, temperature: 0 });
        assert.equal(answer.choices[0].message.role, 'assistant');
        assert(answer.choices[0].message.content);
    },
    stream: async () => {
        const asked = { model, messages: user, max_tokens: 30, temperature: 0 };
        const whole = await chats.create(asked);
        let text = '', pieces = 0;
        for await (const piece of await chats.create({ ...asked, stream: true })) {
            text += piece.choices[0]?.delta.content ?? '';
            pieces++;
        }
        assert.equal(text, whole.choices[0].message.content);
        assert(pieces > 10);
    },
    embed: async () => {
        const answer = await client.embeddings.create({ model, input: [psalm, 'In the beginning'] });
        checkVectors(answer.data.map((e) => e.embedding), 2);
    },
    tools: async () => {
        const asked = { model: talker, tools: [find], tool_choice: 'required', temperature: 0, max_tokens: 200 };
        const { message } = (await chats.create({ ...asked, messages: user })).choices[0];
        const call = message.tool_calls[0];
        checkCall(call.function.name, JSON.parse(call.function.arguments));
        const result = { role: 'tool', tool_call_id: call.id, content: 'He leadeth me' };
        const again = await chats.create({ model: talker, tools: [find], max_tokens: 8, messages: [...user, message, result] });
        assert.notEqual(again.choices[0].message.content, null);
    },
    schema: async () => {
        const response_format = { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } };
        const answer = await chats.create({ model, messages: user, response_format, max_tokens: 200 });
        checkSchema(answer.choices[0].message.content);
    },
    error: async () => {
        await assert.rejects(chats.create({ model: 'no-such', messages: user }), NotFoundError);
        await assert.rejects(chats.create({ model, messages: user, temperature: 9 }), BadRequestError);
    },
    cancel: () => checkCancel(async () => {
        const asked = { model, messages: user, n: 8, logprobs: true, top_logprobs: 20, stream: true, ignore_eos: true };
        const stream = await chats.create(asked);
        for await (const _ of stream) break;
        stream.controller.abort();
    }),
});
