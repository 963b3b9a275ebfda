"""Every message and record that crosses a layer: frozen, tagged, versioned, with one codec."""
