/* hook/summary.c: writes the summary. */
#include "hook/summary.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A field of /proc/self/status, in kB; 0 if it is missing. */
static unsigned long status_kb(const char *text, const char *name) {
    const char *line = strstr(text, name);
    unsigned long kb = 0;
    return line && sscanf(line + strlen(name), ": %lu", &kb) == 1 ? kb : 0;
}

static size_t read_status(char *text, size_t size) {
    FILE *file = fopen("/proc/self/status", "re");
    if (!file)
        return 0;
    size_t length = fread(text, 1, size - 1, file);
    fclose(file);
    text[length] = '\0';
    return length;
}

void neap__summary_print(neap_heap_t *heap) {
    char status[4096] = "", text[1024];
    struct neap_heap_stats s;
    const double mb = 1e6;
    neap_heap_stats(heap, &s);
    read_status(status, sizeof(status));
    double purge_ms = (double)s.purge_ns / 1e6;
    int length = snprintf(text, sizeof(text),
                          "neap: summary of process %d\n"
                          "  peak RSS     %10.1f MB\n"
                          "  RSS now      %10.1f MB\n"
                          "  live         %10.1f MB in %llu blocks\n"
                          "  given back   %10.1f MB in %llu purges, %.1f ms\n"
                          "  refaulted    %10.1f MB (%llu pages)\n",
                          (int)getpid(), (double)status_kb(status, "VmHWM") * 1024 / mb,
                          (double)status_kb(status, "VmRSS") * 1024 / mb, (double)s.live_bytes / mb,
                          (unsigned long long)s.live_blocks, (double)s.purged_bytes / mb,
                          (unsigned long long)s.purges, purge_ms, (double)s.refaulted_bytes / mb,
                          (unsigned long long)(s.refaulted_bytes / (unsigned long)sysconf(_SC_PAGESIZE)));
    if (length > 0 && write(STDERR_FILENO, text, (size_t)length) < 0)
        return; /* standard error is closed */
}
