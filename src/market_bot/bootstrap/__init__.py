"""Where everything is put together: container, plug-ins, runtime, command line."""
