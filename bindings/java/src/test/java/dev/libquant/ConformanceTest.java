package dev.libquant;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Runs the cases that all languages share. */
class ConformanceTest {
    @TestFactory
    @SuppressWarnings("unchecked")
    List<DynamicTest> cases() throws Exception {
        String file = System.getenv("QUANT_CONFORMANCE");
        Assumptions.assumeTrue(file != null, "QUANT_CONFORMANCE names no cases.json");
        Map<String, Object> all = (Map<String, Object>) JsonReader.read(Files.readString(Path.of(file)));
        assertEquals(1.0, all.get("format"));
        List<DynamicTest> out = new ArrayList<>();
        for (Object one : (List<Object>) all.get("cases")) {
            Case it = new Case((Map<String, Object>) one);
            out.add(DynamicTest.dynamicTest(it.name, () -> run(it)));
        }
        assertFalse(out.isEmpty());
        return out;
    }

    private static void run(Case it) throws Exception {
        switch (it.kind) {
            case "version" -> assertTrue(Quant.version().startsWith(it.expected("prefix")));
            case "encoding" -> encoding(it);
            case "encode" -> encode(it);
            case "tokenize" -> tokenize(it);
            case "detokenize" -> detokenize(it);
            case "render" -> render(it);
            case "generate" -> generate(it, open(it));
            case "shared" -> SharedDaemon.with(daemon -> generate(it, daemon.open()));
            case "logits" -> logits(it);
            case "embed" -> embed(it);
            case "perplexity" -> perplexity(it);
            case "quantize" -> quantize(it);
            case "quantize_cancelled" -> cancelled(it);
            case "error" -> error(it);
            case "catalog" -> catalog(it);
            case "callback_fails" -> callbackFails(it);
            default -> throw new AssertionError("no runner for cases of kind " + it.kind);
        }
    }

    private static Model open(Case it) {
        return Model.open(it.has("model") && it.text("model").equals("base") ? Fixture.BASE : Fixture.q8());
    }

    private static void encoding(Case it) {
        Encoding found = Encoding.find(it.text("name"));
        assertEquals(it.expectedNumber("id"), found.id());
        assertEquals(it.expectedNumber("block_weights"), found.blockWeights());
        assertEquals(it.expectedNumber("block_bytes"), found.blockBytes());
        assertEquals(it.expectedNumber("bits_per_weight"), found.bitsPerWeight(), 1e-9);
    }

    private static void encode(Case it) {
        Encoding encoding = Encoding.find(it.text("encoding"));
        int rows = it.count("rows");
        int cols = it.count("cols");
        float[] weights = Fixture.weights(rows * cols);
        Method method = Method.valueOf(it.text("method"));
        byte[] encoded = encoding.encode(weights, rows, cols, method);
        assertEquals(it.expectedNumber("bytes"), encoded.length);
        assertEquals(it.expected("sha256"), Fixture.sha256(encoded));
        float[] decoded = encoding.decode(encoded, rows, cols);
        ByteBuffer bytes = ByteBuffer.allocate(4 * decoded.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(decoded);
        assertEquals(it.expected("decoded_sha256"), Fixture.sha256(bytes.array()));

        ByteBuffer direct = ByteBuffer.allocateDirect(4 * weights.length).order(ByteOrder.nativeOrder());
        direct.asFloatBuffer().put(weights);
        byte[] same = new byte[encoded.length];
        encoding.encode(direct.asFloatBuffer(), rows, cols, method).get(same);
        assertEquals(it.expected("sha256"), Fixture.sha256(same));
    }

    private static void tokenize(Case it) {
        try (Model model = open(it)) {
            int[] ids = model.tokenize(it.bytes("text"), new TextFlags(it.is("add_special"), it.is("parse_special")));
            assertEquals(it.expectedList("ids"), Case.numbers(ids));
        }
    }

    private static void detokenize(Case it) {
        try (Model model = open(it)) {
            byte[] text = model.detokenizeBytes(it.ids("ids"), it.is("skip_special"));
            assertEquals(Case.hex(it.expectedBytes("text")), Case.hex(text));
        }
    }

    private static void render(Case it) {
        Chat chat = Chat.ofJson(it.json("messages")).generationPrompt(it.is("add_generation_prompt"));
        assertEquals(it.expected("text"), chat.render(it.text("template"), "template"));
    }

    static void generate(Case it, Model opened) {
        StringBuilder text = new StringBuilder();
        int[] pieces = {0};
        int stopAfter = it.has("stop_after") ? it.count("stop_after") : Integer.MAX_VALUE;
        try (Model model = opened; Session session = model.session()) {
            Prompt prompt = Prompt.of(it.bytes("prompt")).maxTokens(it.count("max_tokens")).greedy();
            Generation took = session.generate(prompt, piece -> {
                text.append(piece);
                return ++pieces[0] < stopAfter;
            });
            assertEquals(new String(it.expectedBytes("text"), StandardCharsets.UTF_8), text.toString());
            assertEquals(it.expected("stop"), took.stop().name());
            assertEquals(it.expectedNumber("prompt_tokens"), took.promptTokens());
            assertEquals(it.expectedNumber("generated_tokens"), took.generatedTokens());
        }
    }

    private static void logits(Case it) {
        try (Model model = open(it); Session session = model.session()) {
            float[] logits = session.logits(it.ids("ids"));
            int best = 0;
            for (int i = 1; i < logits.length; ++i) {
                best = logits[i] > logits[best] ? i : best;
            }
            assertEquals(it.expectedNumber("argmax"), best);
            List<Object> at = it.expectedList("at");
            List<Object> values = it.expectedList("values");
            for (int i = 0; i < at.size(); ++i) {
                assertEquals((Double) values.get(i), logits[((Double) at.get(i)).intValue()], it.tolerance());
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static void embed(Case it) {
        try (Model model = open(it)) {
            List<Embedding> made = model.embed(it.strings("texts"));
            List<Object> first = it.expectedList("first");
            assertEquals(first.size(), made.size());
            for (int i = 0; i < made.size(); ++i) {
                assertEquals(it.expectedNumber("dimensions"), made.get(i).dimensions());
                List<Object> row = (List<Object>) first.get(i);
                for (int k = 0; k < row.size(); ++k) {
                    assertEquals((Double) row.get(k), made.get(i).values()[k], it.tolerance());
                }
            }
        }
    }

    private static void perplexity(Case it) {
        try (Model model = open(it)) {
            String text = new String(it.bytes("text"), StandardCharsets.UTF_8);
            Evaluation result = model.evaluate(text, null, new EvaluateOptions(), null);
            double wanted = it.expectedNumber("perplexity");
            assertEquals(wanted, result.ppl(), wanted * it.tolerance());
            assertEquals(it.expectedNumber("tokens"), result.tokens());
        }
    }

    private static void quantize(Case it) throws Exception {
        Path output = Fixture.scratch().resolve(it.name.replaceAll("\\W", "_") + ".gguf");
        int[] calls = {0};
        QuantizeOptions options = QuantizeOptions.ofType(it.text("type"));
        if (it.has("method")) {
            options.method(Method.valueOf(it.text("method")));
        }
        Plan.quantize(Fixture.BASE, output, options, report -> {
            assertTrue(report.total() == 0 || report.done() <= report.total());
            ++calls[0];
            return true;
        });
        assertTrue(calls[0] > 0);
        assertEquals(it.expectedNumber("bytes"), Files.size(output));
    }

    private static void cancelled(Case it) throws Exception {
        Path folder = Files.createDirectory(Fixture.scratch().resolve(it.name.replaceAll("\\W", "_")));
        QuantException thrown = assertThrows(QuantException.class, () -> Plan.quantize(Fixture.BASE,
                folder.resolve("out.gguf"), QuantizeOptions.ofType(it.text("type")), report -> false));
        assertEquals(it.expected("status"), thrown.status().name());
        assertEquals(it.expectedList("left").size(), folder.toFile().list().length);
    }

    private static void error(Case it) {
        QuantException thrown = assertThrows(QuantException.class, () -> ErrorCalls.make(it));
        assertEquals(it.expected("status"), thrown.status().name());
        String has = it.expected("message_has");
        assertTrue(has == null || thrown.getMessage().contains(has), thrown.getMessage());
    }

    private static void catalog(Case it) throws Exception {
        Path file = Fixture.scratch().resolve("catalog-" + it.name.replaceAll("\\W", "_") + ".db");
        try (Catalog catalog = Catalog.open(file)) {
            String name = catalog.importModel(Fixture.q8(), it.text("name"), null);
            assertEquals(it.expected("name"), name);
            Variant row = catalog.list().stream().filter(v -> v.name().equals(name)).findFirst().orElseThrow();
            assertEquals(it.expected("model"), row.model());
            assertEquals(it.expected("variant"), row.variant());
            assertEquals(8.5, row.bitsPerWeight(), 0.1);
            assertTrue(Files.isSameFile(Fixture.q8(), catalog.resolve(name)));
            assertTrue(catalog.show(name).contains(it.expected("variant")));
            assertEquals(1, catalog.remove(name, true));
            assertTrue(Files.exists(Fixture.q8()));
        }
    }

    private static void callbackFails(Case it) {
        IllegalArgumentException own = new IllegalArgumentException("of the callback");
        try (Model model = open(it); Session session = model.session()) {
            Prompt prompt = Prompt.of(it.text("prompt")).maxTokens(it.count("max_tokens")).greedy();
            assertEquals(own, assertThrows(IllegalArgumentException.class, () -> session.generate(prompt, piece -> {
                throw own;
            })));
        }
    }
}
