/* cli/kernel_notes.h: explains what the system's settings mean for Neap.
 *
 * Each row of a table has a setting, the values that cost the user something, what they
 * cost, and a command that changes it. `neap stat` prints the rows that apply to this
 * system. `neap help settings` prints all settings with their values.
 */
#ifndef NEAP_CLI_KERNEL_NOTES_H
#define NEAP_CLI_KERNEL_NOTES_H

#include <jansson.h>
#include <stdio.h>

#include "os/kernel_settings.h"

/* Prints a paragraph for each setting that costs the process something on this system, each after a blank
 * line. */
void cli_kernel_notes_print(const struct neap_os_kernel_settings *settings, FILE *out);

/* Prints all settings with their values, and the notes of those that cost something. */
void cli_kernel_settings_print(const struct neap_os_kernel_settings *settings, FILE *out);

/* Returns the values as an object; null for an unknown one. The caller owns it. */
json_t *cli_kernel_settings_json(const struct neap_os_kernel_settings *settings);

#endif
