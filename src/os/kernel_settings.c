/* os/kernel_settings.c: one small file a setting. */
#include "os/kernel_settings.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { TEXT_BYTES = 128 };

static bool text_read(const char *path, char *text) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t length = read(file, text, TEXT_BYTES - 1);
    close(file);
    if (length < 0)
        return false;
    text[length] = '\0';
    return true;
}

/* A number from 0 to `most`, -1 if the file holds none. */
static long number_read(const char *path, long most) {
    char text[TEXT_BYTES], *end;
    if (!text_read(path, text) || !isdigit((unsigned char)text[0]))
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
    long mappings = number_read("/proc/sys/vm/max_map_count", INT32_MAX);
    *settings = (struct neap_os_kernel_settings){
        .overcommit = (int)number_read("/proc/sys/vm/overcommit_memory", 2),
        .ptrace_scope = (int)number_read("/proc/sys/kernel/yama/ptrace_scope", 3),
        .mappings = mappings > 0 ? (uint64_t)mappings : 0,
    };
    if (text_read("/sys/kernel/mm/transparent_hugepage/enabled", text))
        settings->huge_pages = neap__os_huge_pages_parse(text);
}
