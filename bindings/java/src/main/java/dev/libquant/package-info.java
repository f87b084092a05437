/**
 * libquant for Java. Begin with {@link dev.libquant.Model}, {@link dev.libquant.Plan}, {@link dev.libquant.Encoding} or
 * {@link dev.libquant.Catalog}.
 *
 * <p>What has a {@code close()} holds memory of the C library: use try-with-resources. A closed object answers with an
 * {@link java.lang.IllegalStateException}. What fails in the library throws {@link dev.libquant.QuantException}; what a
 * callback throws ends the call, and comes out of it as the same exception.
 */
package dev.libquant;
