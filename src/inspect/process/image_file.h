/* inspect/process/image_file.h: the files behind the mappings of an image, each opened once.
 *
 *   mappings  /usr/bin/python3.11 r--p   ... r-xp   ... rw-p   /usr/lib/.../_ssl.so r--p   ...
 *                      └──────────────┬───────┘                        │
 *   files               descriptor, length                   descriptor, length
 *
 * Whoever looks into a process opens its files before the analysis, for two reasons. The analysis then runs
 * without the right to open anything (os/privilege.h). And a name that leads elsewhere by then does not
 * matter. A live target's file is the one that it has mapped; that of a core file is what lies at this path
 * now.
 */
#ifndef NEAP_INSPECT_PROCESS_IMAGE_FILE_H
#define NEAP_INSPECT_PROCESS_IMAGE_FILE_H

#include "inspect/process/process_image.h"
#include "os/held_file.h"

/* Opens the files of all mappings that can be read, those with code first, and at most 512. What cannot be
 * opened stays closed. NEAP_ERROR_MEMORY. neap_process_image_clear closes them. One thread. */
int neap_image_files_open(struct neap_process_image *image);

/* The file of a mapping; NULL if it has none or it is not open. Any thread. */
const struct neap_os_held_file *neap_image_file(const struct neap_process_image *image,
                                                const struct neap_image_mapping *mapping);

/* Opens the file of one mapping, whether or not the image has it open; the caller closes *file. The errors of
 * os/held_file.h. */
int neap_image_file_open(const struct neap_process_image *image, const struct neap_image_mapping *mapping,
                         struct neap_os_held_file *file);

#endif
