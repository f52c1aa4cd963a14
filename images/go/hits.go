// How often each host and each status code stands in access logs (common or combined format).
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

func main() {
	steps := map[string]func(*bufio.Reader, *bufio.Writer) error{"map": hits, "sum": sum}
	if len(os.Args) != 2 || steps[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: hits map|sum")
		os.Exit(2)
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	err := steps[os.Args[1]](bufio.NewReaderSize(os.Stdin, 1<<16), out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A line that is none of an access log is counted, and shown in the job's summary.
func hits(in *bufio.Reader, out *bufio.Writer) error {
	malformed := 0
	err := lines(in, func(line []byte) error {
		host, rest, _ := bytes.Cut(line, []byte(" "))
		_, rest, found := bytes.Cut(rest, []byte(`" `)) // the request ends here
		status, _, _ := bytes.Cut(rest, []byte(" "))
		if !found || len(host) == 0 || len(status) != 3 {
			malformed++
			return nil
		}
		_, err := fmt.Fprintf(out, "host %s\t1\nstatus %s\t1\n", host, status)
		return err
	})
	if malformed > 0 {
		fmt.Fprintf(os.Stderr, "reporter:counter:Input,Malformed,%d\n", malformed)
	}
	return err
}

// Equal keys are neighbours: to combine and to reduce.
func sum(in *bufio.Reader, out *bufio.Writer) error {
	var key []byte
	total := 0
	write := func() {
		if key != nil {
			fmt.Fprintf(out, "%s\t%d\n", key, total) // an error stays with out, and Flush returns it
		}
	}
	err := lines(in, func(line []byte) error {
		tab := bytes.LastIndexByte(line, '\t')
		number, err := strconv.Atoi(string(line[tab+1:]))
		if tab < 0 || err != nil {
			return fmt.Errorf("not a key, a tab and a number: %q", line)
		}
		if key == nil || !bytes.Equal(line[:tab], key) {
			write()
			key, total = append([]byte{}, line[:tab]...), 0
		}
		total += number
		return nil
	})
	write()
	return err
}

func lines(in *bufio.Reader, each func([]byte) error) error {
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := each(bytes.TrimSuffix(line, []byte("\n"))); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
