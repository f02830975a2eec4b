/* os/kernel_settings.c: reads a small file for each setting. */
#include "os/kernel_settings.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "os/limits.h"
#include "os/proc.h"
#include "os/system_call_filter.h"

enum { TEXT_BYTES = 128 };

/* Reads a number from 0 to `most` from a file. -1 if the file is missing or has no such number. */
static long number_read(const char *path, long most) {
    char text[TEXT_BYTES], *end;
    if (!neap__os_text_read(path, text, sizeof(text)) || !isdigit((unsigned char)text[0]))
        return -1;
    long number = strtol(text, &end, 10);
    return (*end == '\n' || *end == '\0') && number <= most ? number : -1;
}

enum neap_os_huge_pages neap__os_huge_pages_parse(const char *text) {
    static const struct {
        const char *word;
        enum neap_os_huge_pages mode;
    } words[] = {
        {"[never]", NEAP_OS_HUGE_NEVER},
        {"[madvise]", NEAP_OS_HUGE_MADVISE},
        {"[always]", NEAP_OS_HUGE_ALWAYS},
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strstr(text, words[i].word))
            return words[i].mode;
    return NEAP_OS_HUGE_UNKNOWN;
}

void neap_os_kernel_settings_read(struct neap_os_kernel_settings *settings) {
    char text[TEXT_BYTES];
    *settings = (struct neap_os_kernel_settings){
        .overcommit = (int)number_read("/proc/sys/vm/overcommit_memory", 2),
        .ptrace_scope = (int)number_read("/proc/sys/kernel/yama/ptrace_scope", 3),
        .mappings = neap_os_mapping_limit(),
        .filters = neap_os_filter_exists(),
    };
    if (neap__os_text_read("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text)))
        settings->huge_pages = neap__os_huge_pages_parse(text);
}
