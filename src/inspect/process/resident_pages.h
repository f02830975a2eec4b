/* inspect/process/resident_pages.h: which pages of a mapping are in memory, which of them may be shared.
 *
 *     pagemap   in memory, alone            resident
 *               in memory, not alone        resident and shared with a forked process,
 *                                           or a page of zeros that was only read: not in memory for us
 *               in swap                     swapped
 *
 * A page of zeros counts in no figure of smaps. So smaps tells: where no page is shared, all that are not
 * alone are zeros; else a scan (Linux 6.7) tells each. Before that, both are noted as shared, and whoever
 * copies them leaves zeros out. Called by process_image_live.c.
 */
#ifndef NEAP_INSPECT_PROCESS_RESIDENT_PAGES_H
#define NEAP_INSPECT_PROCESS_RESIDENT_PAGES_H

#include "inspect/process/process_image.h"

/* Fills in the bits of all mappings of the process with the number image->pid. Where the system does not
 * report pages, a mapping counts as present as a whole. NEAP_ERROR_MEMORY, or the errors of os/residence.h.
 */
int neap__resident_pages_note(struct neap_process_image *image);

#endif
