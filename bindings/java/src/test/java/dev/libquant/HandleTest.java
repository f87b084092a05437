package dev.libquant;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class HandleTest {
    @Test
    void aClosedHandleSaysSo() {
        Model model = Model.open(Fixture.q8());
        Session session = model.session();
        model.close();
        model.close();
        assertThrows(IllegalStateException.class, model::info);
        assertThrows(IllegalStateException.class, model::session);
        assertTrue(session.generate(Prompt.of("In the").maxTokens(2).greedy()).length() > 0);
        session.close();
        assertThrows(IllegalStateException.class, session::length);
        assertThrows(IllegalStateException.class, () -> session.stream(Prompt.of("x")).count());
    }

    @Test
    void closingInACallbackWaitsForTheCall() {
        Model model = Model.open(Fixture.q8());
        Session session = model.session();
        Generation took = session.generate(Prompt.of("In the beginning").maxTokens(8).greedy(), piece -> {
            session.close();
            model.close();
            return true;
        });
        assertEquals(8, took.generatedTokens());
        assertThrows(IllegalStateException.class, session::length);
    }

    @Test
    void aSessionInUseSaysSo() {
        try (Model model = Model.open(Fixture.q8()); Session session = model.session()) {
            IllegalStateException thrown = assertThrows(IllegalStateException.class,
                    () -> session.generate(Prompt.of("In the").maxTokens(4), piece -> session.length() > 0));
            assertTrue(thrown.getMessage().contains("in use"));
            assertTrue(session.length() > 0);
        }
    }

    @Test
    void textKeepsNulAndEmoji() {
        try (Tokenizer tokenizer = Tokenizer.open(Fixture.BASE)) {
            String text = "a\0b \uD83D\uDE00 \u00e9";
            int[] ids = tokenizer.tokenize(text, TextFlags.PLAIN);
            assertEquals(text, tokenizer.detokenize(ids, false));
            byte[] broken = {'a', (byte) 0xff, 0, 'b'};
            ids = tokenizer.tokenize(broken, TextFlags.PLAIN);
            assertArrayEquals(broken, tokenizer.detokenizeBytes(ids, false));
            assertTrue(tokenizer.size() > 0);
        }
    }

    @Test
    void namesAreNotCutAtANul() {
        assertThrows(IllegalArgumentException.class, () -> Encoding.find("q8_0\0 or another"));
        assertThrows(IllegalArgumentException.class, () -> Model.open("kjv-5m\0:Q4_K_M"));
        assertThrows(IllegalArgumentException.class, () -> Model.openShared("kjv-5m\0", new SharedOptions()));
        assertThrows(IllegalArgumentException.class,
                () -> Plan.make(Fixture.BASE, QuantizeOptions.ofType("Q8_0\0_but_larger")));
        assertThrows(IllegalArgumentException.class,
                () -> Plan.make(Fixture.BASE, QuantizeOptions.ofType("Q8_0").override("token\0", "F16")));
        assertThrows(IllegalArgumentException.class, () -> new Chat().user("x").render("{{ 1 }}", "a\0b"));
        assertThrows(IllegalArgumentException.class, () -> new Request("x").stop("a\0b").request());
    }

    @Test
    void chatsAreEscaped() {
        String template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}";
        String text = "\"quoted\" \\ \n\t\u0001 \uD83D\uDE00";
        assertEquals("<user>" + text, new Chat().user(text).render(template, "t"));
        QuantException thrown =
                assertThrows(QuantException.class, () -> new Chat().user("x").render("{% if %}", "mine"));
        assertSame(Status.TEMPLATE, thrown.status());
        assertTrue(thrown.getMessage().contains("mine"), thrown.getMessage());
    }

    @Test
    void buffersOfAnotherKindAreRefused() {
        Encoding q8 = Encoding.find("q8_0");
        assertThrows(IllegalArgumentException.class,
                () -> q8.encode(FloatBuffer.allocate(32), 1, 32, Method.ROUND));
        assertThrows(IllegalArgumentException.class,
                () -> q8.encode(ByteBuffer.allocateDirect(128).asFloatBuffer(), 1, 32, Method.ROUND));
        assertThrows(IllegalArgumentException.class,
                () -> q8.encode(Buffers.floats(31), 1, 32, Method.ROUND));
        ByteBuffer readOnly = ByteBuffer.allocateDirect(34).asReadOnlyBuffer();
        assertThrows(IllegalArgumentException.class,
                () -> q8.encode(Buffers.floats(32), 1, 32, Method.ROUND, null, readOnly, null));
    }

    @Test
    void progressMayThrow() {
        IllegalStateException own = new IllegalStateException("mine");
        Path output = Fixture.scratch().resolve("never.gguf");
        assertSame(own, assertThrows(IllegalStateException.class,
                () -> Plan.quantize(Fixture.BASE, output, QuantizeOptions.ofType("Q4_0"), report -> {
                    throw own;
                })));
        assertTrue(!output.toFile().exists());
    }

    @Test
    void aPlanTellsItsTensors() {
        QuantizeOptions options = QuantizeOptions.ofType("q4_k_m").override("token_embd", "Q8_0");
        try (Plan plan = Plan.make(Fixture.BASE, options)) {
            assertEquals(plan.summary().tensors(), plan.tensors().size());
            PlanTensor table = plan.tensors().stream().filter(t -> t.name().startsWith("token_embd")).findFirst().get();
            assertEquals("Q8_0", table.encoding().name());
            assertEquals(2, table.shape().size());
        }
        assertTrue(TypeMix.list().stream().anyMatch(type -> type.name().equals("Q4_K_M")));
    }

    @Test
    void aMeasurementIsRecorded() {
        Path file = Fixture.scratch().resolve("measured.db");
        try (Model model = Model.open(Fixture.q8()); Model base = Model.open(Fixture.BASE);
                Catalog catalog = Catalog.open(file)) {
            String text = "In the beginning God created the heaven and the earth. ".repeat(40);
            EvaluateOptions options = new EvaluateOptions().contextLength(64).chunks(2);
            Evaluation result = model.evaluate(text, base, options, report -> true);
            assertTrue(result.ppl() > 1 && result.kldMean() >= 0 && result.kldMean() < 0.1);
            String name = catalog.importModel(Fixture.q8(), "measured:Q8_0", null);
            catalog.recordEvaluation(name, "", "genesis", result);
            assertEquals(result.ppl(), catalog.list(name).get(0).ppl(), 1e-9);
        }
    }
}
