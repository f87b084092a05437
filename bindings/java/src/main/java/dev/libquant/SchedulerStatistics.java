package dev.libquant;

import dev.libquant.internal.quant_scheduler_statistics;

/**
 * What a scheduler does and has done.
 *
 * @param running sequences, now
 * @param waiting requests in the queue, now
 * @param requests taken into the queue, ever
 * @param refused for the queue was full
 * @param cancelled by their callers
 * @param promptTokens of prompts read
 * @param cachedTokens of them, that had not to be run
 * @param generatedTokens of requests that have ended
 * @param keptTokens of ended sequences, kept now
 * @param stepSeconds that the step it is at has taken; 0: it waits for something to do
 */
public record SchedulerStatistics(
        int running, int waiting, long requests, long refused, long cancelled, long promptTokens, long cachedTokens,
        long generatedTokens, long keptTokens, double stepSeconds) {

    static SchedulerStatistics of(quant_scheduler_statistics from) {
        return new SchedulerStatistics((int) from.getRunning(), (int) from.getWaiting(), from.getRequests(),
                from.getRefused(), from.getCancelled(), from.getPrompt_tokens(), from.getCached_tokens(),
                from.getGenerated_tokens(), from.getKept_tokens(), from.getStep_seconds());
    }
}
