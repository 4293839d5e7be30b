// Package wallet makes loyalty cards appear in phones: the look of a card
// (Layout), its signed Apple pass (Press), the certificates behind it
// (Signer), the pictures on it, its barcode, and the pushes that tell a phone
// to fetch it anew (Pusher). APNsSim plays Apple's push service in tests and
// demos.
//
// It knows no HTTP route, no page and no wire of another program. Its facts
// stand in spec/passteam.md 3.
package wallet
