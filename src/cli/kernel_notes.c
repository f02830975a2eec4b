/* cli/kernel_notes.c: the table of settings, and the functions that print it. */
#include "cli/kernel_notes.h"

#include <stdbool.h>

#include "cli/option.h"

enum { VALUE_BYTES = 24, MAPPINGS_FEW = 16384 };

static const char *huge_word(const struct neap_os_kernel_settings *settings) {
    static const char *const words[] = {
        [NEAP_OS_HUGE_UNKNOWN] = "",
        [NEAP_OS_HUGE_NEVER] = "never",
        [NEAP_OS_HUGE_MADVISE] = "madvise",
        [NEAP_OS_HUGE_ALWAYS] = "always",
    };
    return words[settings->huge_pages];
}

static bool huge_costs(const struct neap_os_kernel_settings *settings) {
    return settings->huge_pages == NEAP_OS_HUGE_ALWAYS;
}

static bool overcommit_costs(const struct neap_os_kernel_settings *settings) {
    return settings->overcommit == 2;
}

static bool scope_costs(const struct neap_os_kernel_settings *settings) {
    return settings->ptrace_scope > 0;
}

static bool mappings_cost(const struct neap_os_kernel_settings *settings) {
    return settings->mappings != 0 && settings->mappings < MAPPINGS_FEW;
}

static bool filters_lack(const struct neap_os_kernel_settings *settings) {
    return !settings->filters;
}

/* Writes the value of a setting; "" if it is unknown. */
static void huge_value(const struct neap_os_kernel_settings *settings, char *value) {
    snprintf(value, VALUE_BYTES, "%s", huge_word(settings));
}

static void number_value(bool known, unsigned long long number, char *value) {
    if (known)
        snprintf(value, VALUE_BYTES, "%llu", number);
    else
        value[0] = '\0';
}

static void overcommit_value(const struct neap_os_kernel_settings *settings, char *value) {
    number_value(settings->overcommit >= 0, (unsigned long long)settings->overcommit, value);
}

static void scope_value(const struct neap_os_kernel_settings *settings, char *value) {
    number_value(settings->ptrace_scope >= 0, (unsigned long long)settings->ptrace_scope, value);
}

static void mappings_value(const struct neap_os_kernel_settings *settings, char *value) {
    number_value(settings->mappings != 0, settings->mappings, value);
}

static void filters_value(const struct neap_os_kernel_settings *settings, char *value) {
    snprintf(value, VALUE_BYTES, "%s", settings->filters ? "available" : "refused");
}

struct row {
    const char *key;  /* its name in JSON */
    const char *name; /* its name in the system */
    const char *about;
    const char *cost;   /* what a value costs for which `costs` is true */
    const char *remedy; /* a command for root */
    bool (*costs)(const struct neap_os_kernel_settings *settings);
    void (*value)(const struct neap_os_kernel_settings *settings, char *value);
    bool looking; /* it affects who looks into a process, not the process itself */
};

static const struct row rows[] = {
    {.key = "huge_pages",
     .name = "transparent_hugepage/enabled",
     .about = "whether the kernel may back memory with pages of 2 MiB",
     .cost = "The kernel may put memory back into what malloc gave back: for C extensions, and for CPython "
             "without Neap. Neap's own heap is not affected.",
     .remedy = "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled",
     .costs = huge_costs,
     .value = huge_value},
    {.key = "overcommit_memory",
     .name = "vm.overcommit_memory",
     .about = "how much memory the kernel promises",
     .cost = "Memory that was given back still counts as promised (Committed_AS), up to the heap's highest "
             "level. So the kernel may refuse memory to other programs.",
     .remedy = "sysctl vm.overcommit_memory=0",
     .costs = overcommit_costs,
     .value = overcommit_value},
    {.key = "max_map_count",
     .name = "vm.max_map_count",
     .about = "how many mappings a process may have",
     .cost = "Neap uses a sixteenth of them for large blocks. Further large blocks are copied when they "
             "grow.",
     .remedy = "sysctl vm.max_map_count=65530",
     .costs = mappings_cost,
     .value = mappings_value},
    {.key = "ptrace_scope",
     .name = "kernel.yama.ptrace_scope",
     .about = "who may look into a process of the same user",
     .cost = "If it is 1 or 2, `neap look`, `pins`, `map`, `advise`, `stat` and `trim` need root. If it is "
             "3, they "
             "are not permitted at all, and it stays 3 until the next boot.",
     .remedy = "sysctl kernel.yama.ptrace_scope=0",
     .costs = scope_costs,
     .value = scope_value,
     .looking = true},
    {.key = "seccomp",
     .name = "seccomp",
     .about = "whether a program can limit its own system calls",
     .cost = "`neap look`, `pins`, `map` and `advise` give up their user and their capabilities before they "
             "analyse what others wrote, but cannot be kept from system calls.",
     .remedy = "use a kernel with CONFIG_SECCOMP_FILTER, or a container that permits seccomp(2)",
     .costs = filters_lack,
     .value = filters_value,
     .looking = true},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

void cli_kernel_notes_print(const struct neap_os_kernel_settings *settings, FILE *out) {
    char value[VALUE_BYTES], text[512];
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].looking || !rows[i].costs(settings))
            continue;
        rows[i].value(settings, value);
        snprintf(text, sizeof(text), "note: %s is %s here. %s To change it, as root:", rows[i].name, value,
                 rows[i].cost);
        fputc('\n', out);
        cli_text_write(text, 0, 0, out);
        fprintf(out, "    %s\n", rows[i].remedy);
    }
}

void cli_kernel_settings_print(const struct neap_os_kernel_settings *settings, FILE *out) {
    char value[VALUE_BYTES];
    cli_text_write("Settings of this system that matter to Neap, with their values here.", 0, 0, out);
    for (size_t i = 0; i < ROWS; i++) {
        rows[i].value(settings, value);
        fprintf(out, "\n%s: %s\n    %s\n", rows[i].name, value[0] ? value : "not known", rows[i].about);
        if (!rows[i].costs(settings))
            continue;
        fputs("    ", out);
        cli_text_write(rows[i].cost, 4, 4, out);
        fprintf(out, "    To change it, as root:\n      %s\n", rows[i].remedy);
    }
}

json_t *cli_kernel_settings_json(const struct neap_os_kernel_settings *settings) {
    json_t *object = json_object();
    char value[VALUE_BYTES];
    for (size_t i = 0; i < ROWS; i++) {
        rows[i].value(settings, value);
        json_object_set_new(object, rows[i].key, value[0] ? json_string(value) : json_null());
    }
    return object;
}
