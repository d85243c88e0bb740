// Loaded by mocha before the tests of a foreign checkout: node-quickbooks talks to SIMULATOR_URL with a minted token, no more.
const path = require('path')

const config = require(path.resolve('config'))
const QuickBooks = require(path.resolve('index'))

QuickBooks.V3_ENDPOINT_BASE_URL = `${process.env.SIMULATOR_URL}/v3/company/`
Object.assign(config, {
  consumerKey: process.env.CLIENT_ID,
  consumerSecret: process.env.CLIENT_SECRET,
  token: process.env.ACCESS_TOKEN,
  refreshToken: process.env.REFRESH_TOKEN,
  realmId: process.env.COMPANY_ID,
  oauthversion: '2.0',
  testEmail: 'somebody@example.com',
})
