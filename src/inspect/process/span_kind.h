/* inspect/process/span_kind.h: what a mapping is, by what the system tells of it alone.
 *
 * For those who make an image (live_image.c, core_file.c). Pure.
 */
#ifndef NEAP_INSPECT_PROCESS_SPAN_KIND_H
#define NEAP_INSPECT_PROCESS_SPAN_KIND_H

#include "inspect/process/process_image.h"

/* `before` is the mapping in front, NULL for the first: a library's .bss follows its .data. */
enum neap_span_kind neap__span_kind_of(const struct neap_image_mapping *mapping,
                                       const struct neap_image_mapping *before);

/* One span a mapping. NEAP_ERROR_MEMORY. */
int neap__process_image_spans(struct neap_process_image *image);

#endif
