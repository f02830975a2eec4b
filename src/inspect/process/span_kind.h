/* inspect/process/span_kind.h: the kind of a mapping, from what the system reports about it.
 *
 * Called by the files that make an image (process_image_live.c, core_file.c). Pure.
 */
#ifndef NEAP_INSPECT_PROCESS_SPAN_KIND_H
#define NEAP_INSPECT_PROCESS_SPAN_KIND_H

#include "inspect/process/process_image.h"

/* `before` is the mapping in front of it, NULL for the first. It is needed because the .bss of a
 * library is anonymous and follows its .data. */
enum neap_span_kind neap__span_kind_of(const struct neap_image_mapping *mapping,
                                       const struct neap_image_mapping *before);

/* Makes one span per mapping. NEAP_ERROR_MEMORY. */
int neap__process_image_spans(struct neap_process_image *image);

#endif
