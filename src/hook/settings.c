/* hook/settings.c */
#include "hook/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void complain(const char *name, const char *text, const char *wanted) {
    char line[256];
    int length = snprintf(line, sizeof line, "neap: ignoring %s=%.80s: it takes %s\n", name, text, wanted);
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
        return; /* nobody listens */
}

static bool flag(const char *name, bool otherwise) {
    const char *text = getenv(name);
    if (text == NULL || *text == '\0')
        return otherwise;
    if (strcmp(text, "1") == 0 || strcmp(text, "0") == 0)
        return *text == '1';
    complain(name, text, "0 or 1");
    return otherwise;
}

static uint64_t number(const char *name, uint64_t least, uint64_t most) {
    const char *text = getenv(name);
    if (text == NULL || *text == '\0')
        return 0;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno == 0 && *end == '\0' && *text >= '0' && *text <= '9' && value >= least && value <= most)
        return value;
    char wanted[80];
    snprintf(wanted, sizeof wanted, "a whole number from %llu to %llu", (unsigned long long)least,
             (unsigned long long)most);
    complain(name, text, wanted);
    return 0;
}

struct neap__settings neap__settings_read(void) {
    return (struct neap__settings){
        .off = flag("NEAP_OFF", false),
        .summary = flag("NEAP_SUMMARY", false),
        .check = flag("NEAP_CHECK", false),
        .helper = flag("NEAP_HELPER", true),
        .decay_ms = (uint32_t)number("NEAP_DECAY_MS", 1, 3600000),
        .reserve_bytes = number("NEAP_RESERVE_BYTES", UINT64_C(1) << 20, UINT64_C(1) << 44),
        .limit_bytes = number("NEAP_LIMIT_BYTES", UINT64_C(1) << 20, UINT64_MAX),
    };
}
