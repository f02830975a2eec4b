/* cli/kernel_notes.h: what the system's settings mean for Neap, in words.
 *
 * One table: each row is a setting, a value that costs the user something, what it
 * costs, and what to do about it. `neap stat` prints the rows that hold here,
 * `neap help settings` all settings with their values.
 */
#ifndef NEAP_CLI_KERNEL_NOTES_H
#define NEAP_CLI_KERNEL_NOTES_H

#include <jansson.h>
#include <stdio.h>

#include "os/kernel_settings.h"

/* One paragraph for each setting that costs something here, behind a blank line; nothing if none does. */
void cli_kernel_notes_print(const struct neap_os_kernel_settings *settings, FILE *out);

/* All settings, their values here, and the notes of those that cost something. */
void cli_kernel_settings_print(const struct neap_os_kernel_settings *settings, FILE *out);

/* The values; null where one is unknown. The caller owns it. */
json_t *cli_kernel_settings_json(const struct neap_os_kernel_settings *settings);

#endif
