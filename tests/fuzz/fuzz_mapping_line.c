/* Fuzz target: the texts of /proc/PID/maps and smaps, in which a process has put names of its own.
 *
 * The input is the text. Whatever comes of it, access and path are strings within their buffers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static bool mapping_see(void *context, const struct neap_os_mapping *mapping) {
    size_t *count = context;
    if (strlen(mapping->access) > 4 || strlen(mapping->path) >= sizeof(mapping->path) ||
        strstr(mapping->path, "\\012"))
        abort();
    return ++*count < 1000;
}

static bool figures_see(void *context, const struct neap_os_mapping *mapping,
                        const struct neap_os_mapping_figures *figures) {
    (void)figures;
    return mapping_see(context, mapping);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    size_t count = 0, again = 0;
    FILE *file = bytes ? fmemopen((void *)data, bytes, "r") : NULL;
    if (!file)
        return 0;
    neap__os_maps_read(file, mapping_see, &count);
    rewind(file);
    neap__os_smaps_read(file, figures_see, &again);
    fclose(file);
    if (again != count)
        abort();
    return 0;
}
