/** @file
 * All of libquant. Each header also stands alone.
 */
#ifndef QUANT_QUANT_H
#define QUANT_QUANT_H

#include <quant/adapter.h>
#include <quant/catalog.h>
#include <quant/container.h>
#include <quant/embedding.h>
#include <quant/encoding.h>
#include <quant/evaluate.h>
#include <quant/machine.h>
#include <quant/matrix.h>
#include <quant/model.h>
#include <quant/quantize.h>
#include <quant/reply.h>
#include <quant/scheduler.h>
#include <quant/session.h>
#include <quant/shared.h>
#include <quant/status.h>
#include <quant/text.h>
#include <quant/version.h>

#endif
