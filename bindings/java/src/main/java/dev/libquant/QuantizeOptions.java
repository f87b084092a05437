package dev.libquant;

import dev.libquant.internal.NativeQuantizeOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How to quantize a model. */
public final class QuantizeOptions {
    private String type = "";
    private String planJson = "";
    private Method method = Method.DEFAULT;
    private String importance = "";
    private String moments = "";
    private String calibrationText = "";
    private long calibrationTokens;
    private final List<String[]> overrides = new ArrayList<>();

    private QuantizeOptions() {}

    /**
     * By a type mix.
     *
     * @param type such as "Q4_K_M", in any case of letters
     * @return with defaults
     */
    public static QuantizeOptions ofType(String type) {
        QuantizeOptions out = new QuantizeOptions();
        out.type = type;
        return out;
    }

    /**
     * By a plan document, as {@link Plan#search} makes one.
     *
     * @param planJson the document
     * @return with defaults
     */
    public static QuantizeOptions ofPlan(String planJson) {
        QuantizeOptions out = new QuantizeOptions();
        out.planJson = planJson;
        return out;
    }

    /**
     * Sets how codes are chosen.
     *
     * @param value {@link Method#DEFAULT} unless this is called
     * @return this
     */
    public QuantizeOptions method(Method value) {
        method = value;
        return this;
    }

    /**
     * Gives the tensors whose name a pattern matches one encoding; the first that matches wins.
     *
     * @param pattern a regular expression, searched in the GGUF tensor name
     * @param encoding such as "Q6_K"
     * @return this
     */
    public QuantizeOptions override(String pattern, String encoding) {
        overrides.add(new String[] {pattern, encoding});
        return this;
    }

    /**
     * Sets a file of importances.
     *
     * @param file of either kind
     * @return this
     */
    public QuantizeOptions importance(Path file) {
        importance = file.toString();
        return this;
    }

    /**
     * Sets a file of second moments, for FEEDBACK and BEST.
     *
     * @param file in place of a text
     * @return this
     */
    public QuantizeOptions moments(Path file) {
        moments = file.toString();
        return this;
    }

    /**
     * Sets the text that FEEDBACK and BEST need, and IMPORTANCE without a file.
     *
     * @param text any
     * @param tokens at most so many of it; 0: all
     * @return this
     */
    public QuantizeOptions calibration(String text, long tokens) {
        calibrationText = text;
        calibrationTokens = tokens;
        return this;
    }

    NativeQuantizeOptions options() {
        return Call.filled(new NativeQuantizeOptions(), this::fill);
    }

    private void fill(NativeQuantizeOptions how) {
        how.setType(Utf8.name(type, "a type"));
        how.setPlan_json(Utf8.name(planJson, "a plan"));
        how.setMethod(method.number());
        how.setImportance_path(Utf8.bytes(importance));
        how.setMoments_path(Utf8.bytes(moments));
        how.setCalibration_text(Utf8.bytes(calibrationText));
        how.setCalibration_tokens(calibrationTokens);
        overrides.forEach(one ->
                how.add_override(Utf8.name(one[0], "a pattern"), Utf8.name(one[1], "an encoding's name")));
    }
}
