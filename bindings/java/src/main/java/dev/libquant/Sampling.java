package dev.libquant;

import dev.libquant.internal.quant_sampling;

/** How the next token is chosen. What is not set is as the library has it. */
public final class Sampling {
    private Float temperature;
    private Integer topK;
    private Float topP;
    private Float minP;
    private Float repeatPenalty;
    private Integer repeatLastN;
    private Long seed;
    private Float typicalP;
    private Float presencePenalty;
    private Float frequencyPenalty;
    private Boolean penalizePrompt;
    private Integer mirostat;
    private Float mirostatTau;
    private Float mirostatEta;

    /** All as the library has it. */
    public Sampling() {}

    /**
     * Sets temperature.
     *
     * @param value 0 to 100; 0: the likeliest token
     * @return this
     */
    public Sampling temperature(float value) {
        this.temperature = value;
        return this;
    }

    /**
     * Sets topK.
     *
     * @param value keep the k likeliest; 0: all
     * @return this
     */
    public Sampling topK(int value) {
        this.topK = value;
        return this;
    }

    /**
     * Sets topP.
     *
     * @param value keep the likeliest whose sum reaches p
     * @return this
     */
    public Sampling topP(float value) {
        this.topP = value;
        return this;
    }

    /**
     * Sets minP.
     *
     * @param value drop what is less likely than that times the likeliest
     * @return this
     */
    public Sampling minP(float value) {
        this.minP = value;
        return this;
    }

    /**
     * Sets repeatPenalty.
     *
     * @param value divides logits of recent tokens; 1: off
     * @return this
     */
    public Sampling repeatPenalty(float value) {
        this.repeatPenalty = value;
        return this;
    }

    /**
     * Sets repeatLastN.
     *
     * @param value how many tokens are recent; 0: none, -1: the whole context
     * @return this
     */
    public Sampling repeatLastN(int value) {
        this.repeatLastN = value;
        return this;
    }

    /**
     * Sets seed.
     *
     * @param value the same seed gives the same text; 0: a random one
     * @return this
     */
    public Sampling seed(long value) {
        this.seed = value;
        return this;
    }

    /**
     * Sets typicalP.
     *
     * @param value keep those of nearly the expected surprise; 1: all
     * @return this
     */
    public Sampling typicalP(float value) {
        this.typicalP = value;
        return this;
    }

    /**
     * Sets presencePenalty.
     *
     * @param value -2 to 2, subtracted from logits of recent tokens
     * @return this
     */
    public Sampling presencePenalty(float value) {
        this.presencePenalty = value;
        return this;
    }

    /**
     * Sets frequencyPenalty.
     *
     * @param value -2 to 2, subtracted as often as the token occurs
     * @return this
     */
    public Sampling frequencyPenalty(float value) {
        this.frequencyPenalty = value;
        return this;
    }

    /**
     * Sets penalizePrompt.
     *
     * @param value whether the prompt's tokens are recent ones, too
     * @return this
     */
    public Sampling penalizePrompt(boolean value) {
        this.penalizePrompt = value;
        return this;
    }

    /**
     * Sets mirostat.
     *
     * @param value 1 or 2: that version of Mirostat; 0: off
     * @return this
     */
    public Sampling mirostat(int value) {
        this.mirostat = value;
        return this;
    }

    /**
     * Sets mirostatTau.
     *
     * @param value bits of surprise a token
     * @return this
     */
    public Sampling mirostatTau(float value) {
        this.mirostatTau = value;
        return this;
    }

    /**
     * Sets mirostatEta.
     *
     * @param value how fast it corrects itself
     * @return this
     */
    public Sampling mirostatEta(float value) {
        this.mirostatEta = value;
        return this;
    }

    void fill(quant_sampling to) {
        if (temperature != null) {
            to.setTemperature(this.temperature);
        }
        if (topK != null) {
            to.setTop_k(Integer.toUnsignedLong(this.topK));
        }
        if (topP != null) {
            to.setTop_p(this.topP);
        }
        if (minP != null) {
            to.setMin_p(this.minP);
        }
        if (repeatPenalty != null) {
            to.setRepeat_penalty(this.repeatPenalty);
        }
        if (repeatLastN != null) {
            to.setRepeat_last_n(Integer.toUnsignedLong(this.repeatLastN));
        }
        if (seed != null) {
            to.setSeed(this.seed);
        }
        if (typicalP != null) {
            to.setTypical_p(this.typicalP);
        }
        if (presencePenalty != null) {
            to.setPresence_penalty(this.presencePenalty);
        }
        if (frequencyPenalty != null) {
            to.setFrequency_penalty(this.frequencyPenalty);
        }
        if (penalizePrompt != null) {
            to.setPenalize_prompt(this.penalizePrompt ? 1 : 0);
        }
        if (mirostat != null) {
            to.setMirostat(Integer.toUnsignedLong(this.mirostat));
        }
        if (mirostatTau != null) {
            to.setMirostat_tau(this.mirostatTau);
        }
        if (mirostatEta != null) {
            to.setMirostat_eta(this.mirostatEta);
        }
    }
}
