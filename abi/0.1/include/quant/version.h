/** @file
 * The version of the library. The build reads these numbers from here, so they
 * are stated once.
 */
#ifndef QUANT_VERSION_H
#define QUANT_VERSION_H

#define QUANT_VERSION_MAJOR 0
#define QUANT_VERSION_MINOR 1
#define QUANT_VERSION_PATCH 0

#endif
