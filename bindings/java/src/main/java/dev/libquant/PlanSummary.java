package dev.libquant;

import dev.libquant.internal.quant_plan_summary;

/**
 * Sums over a plan.
 *
 * @param type the mix, as the table spells it
 * @param tensors how many there are
 * @param parameters elements of them
 * @param sourceBytes of the source's files
 * @param outputBytes of the file to be, exactly
 * @param bitsPerWeight 8 * tensor bytes / parameters
 * @param fallbacks tensors that did not get what the mix wants
 * @param requantizes whether the source itself is quantized, so that losses add up
 * @param predictedKld of a plan document: mean KL divergence, nats a token; else -1
 */
public record PlanSummary(
        String type, long tensors, long parameters, long sourceBytes, long outputBytes, double bitsPerWeight, int
        fallbacks, boolean requantizes, double predictedKld) {

    static PlanSummary of(quant_plan_summary from) {
        return new PlanSummary(from.getType(), from.getTensors(), from.getParameters(), from.getSource_bytes(),
                from.getOutput_bytes(), from.getBits_per_weight(), (int) from.getFallbacks(),
                from.getRequantizes() != 0, from.getPredicted_kld());
    }
}
