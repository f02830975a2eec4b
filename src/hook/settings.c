/* hook/settings.c: reads the environment by the table in base/setting.h. */
#include "hook/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/setting.h"

static void complain(const struct neap_setting *setting, const char *text) {
    char wanted[80] = "0 or 1", line[256];
    if (setting->kind != NEAP_SETTING_FLAG)
        snprintf(wanted, sizeof(wanted), "a whole number from %llu to %llu",
                 (unsigned long long)setting->least, (unsigned long long)setting->most);
    int length = snprintf(line, sizeof(line), "neap: ignoring %s=%.80s: it takes %s\n", setting->variable,
                          text, wanted);
    if (length > 0 && write(STDERR_FILENO, line, (size_t)length) < 0)
        return; /* standard error is closed */
}

/* The value of the variable, or `otherwise` if it is not set or not valid. */
static uint64_t read_one(enum neap_setting_name name, uint64_t otherwise) {
    const struct neap_setting *setting = &neap_settings[name];
    const char *text = getenv(setting->variable);
    if (!text || *text == '\0')
        return otherwise;
    uint64_t value;
    if (neap_setting_parse(setting, text, &value))
        return value;
    complain(setting, text);
    return otherwise;
}

struct neap__settings neap__settings_read(void) {
    return (struct neap__settings){
        .off = read_one(NEAP_SETTING_OFF, false) != 0,
        .summary = read_one(NEAP_SETTING_SUMMARY, false) != 0,
        .harden = read_one(NEAP_SETTING_HARDEN, false) != 0,
        .check = read_one(NEAP_SETTING_CHECK, false) != 0,
        .helper = read_one(NEAP_SETTING_HELPER, true) != 0,
        .mesh = read_one(NEAP_SETTING_MESH, true) != 0,
        .decay_ms = (uint32_t)read_one(NEAP_SETTING_DECAY_MS, 0),
        .reserve_bytes = read_one(NEAP_SETTING_RESERVE_BYTES, 0),
        .limit_bytes = read_one(NEAP_SETTING_LIMIT_BYTES, 0),
    };
}
