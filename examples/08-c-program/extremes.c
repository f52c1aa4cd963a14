/* Lines "station TAB degrees", equal stations adjacent: a line a station with its lowest, mean and highest reading. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct extremes {
    char *station;
    double lowest, highest, sum;
    long readings;
};

static void print(const struct extremes *seen)
{
    if (seen->readings)
        printf("%s\t%.1f\t%.1f\t%.1f\n", seen->station, seen->lowest, seen->sum / seen->readings, seen->highest);
}

int main(void)
{
    struct extremes seen = {0};
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        char *tab = strchr(line, '\t');
        if (!tab) {
            fputs("reporter:counter:Readings,Malformed,1\n", stderr);
            continue;
        }
        *tab = '\0';
        double degrees = strtod(tab + 1, NULL);
        if (!seen.station || strcmp(seen.station, line) != 0) {
            print(&seen);
            free(seen.station);
            seen = (struct extremes){.station = strdup(line), .lowest = degrees, .highest = degrees};
        }
        if (degrees < seen.lowest)
            seen.lowest = degrees;
        if (degrees > seen.highest)
            seen.highest = degrees;
        seen.sum += degrees;
        seen.readings++;
    }
    print(&seen);
    free(seen.station);
    free(line);
    return ferror(stdin) || fclose(stdout) != 0;
}
