package dev.libquant;

import dev.libquant.internal.quant_eval_result;

/**
 * A measurement. Values against a base are NaN where there was none; probabilities are fractions, divergences are in
 * nats for each token.
 *
 * @param contextLength tokens a chunk
 * @param chunks that were run
 * @param tokens that were scored
 * @param activations that it was measured with
 * @param ppl perplexity of the model
 * @param pplSe its standard error
 * @param basePpl perplexity of the base
 * @param basePplSe its standard error
 * @param lnRatio ln(ppl / basePpl)
 * @param lnRatioSe its standard error
 * @param kldMean mean KL divergence of the model from the base
 * @param kldSe its standard error
 * @param kldMedian the median
 * @param kldP99 the 99th percentile
 * @param kldP999 the 99.9th
 * @param kldMax the largest
 * @param top1 share of tokens where both think the same token likeliest
 * @param top1Se its standard error
 * @param dpMean mean change of the right token's probability
 * @param dpRms its root mean square
 * @param seconds that it took
 * @param textSha256 of the text's bytes
 */
public record Evaluation(
        int contextLength, int chunks, long tokens, Activations activations, double ppl, double pplSe, double basePpl,
        double basePplSe, double lnRatio, double lnRatioSe, double kldMean, double kldSe, double kldMedian, double
        kldP99, double kldP999, double kldMax, double top1, double top1Se, double dpMean, double dpRms, double
        seconds, String textSha256) {

    static Evaluation of(quant_eval_result from) {
        return new Evaluation((int) from.getContext_length(), (int) from.getChunks(), from.getTokens(),
                Activations.of(from.getActivations()), from.getPpl(), from.getPpl_se(), from.getBase_ppl(),
                from.getBase_ppl_se(), from.getLn_ratio(), from.getLn_ratio_se(), from.getKld_mean(),
                from.getKld_se(), from.getKld_median(), from.getKld_p99(), from.getKld_p999(), from.getKld_max(),
                from.getTop1(), from.getTop1_se(), from.getDp_mean(), from.getDp_rms(), from.getSeconds(),
                from.getText_sha256());
    }

    /** For the catalog. */
    quant_eval_result result() {
        quant_eval_result to = new quant_eval_result();
        to.setContext_length(contextLength);
        to.setChunks(chunks);
        to.setTokens(tokens);
        to.setActivations(activations.number());
        to.setPpl(ppl);
        to.setPpl_se(pplSe);
        to.setBase_ppl(basePpl);
        to.setBase_ppl_se(basePplSe);
        to.setLn_ratio(lnRatio);
        to.setLn_ratio_se(lnRatioSe);
        to.setKld_mean(kldMean);
        to.setKld_se(kldSe);
        to.setKld_median(kldMedian);
        to.setKld_p99(kldP99);
        to.setKld_p999(kldP999);
        to.setKld_max(kldMax);
        to.setTop1(top1);
        to.setTop1_se(top1Se);
        to.setDp_mean(dpMean);
        to.setDp_rms(dpRms);
        to.setSeconds(seconds);
        to.setText_sha256(textSha256);
        return to;
    }
}
